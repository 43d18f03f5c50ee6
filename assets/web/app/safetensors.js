// Arrays of a safetensors file: eight bytes of length, a header in JSON, and the numbers.

/** Half precision (IEEE 754 binary16) as a number. */
function half(bits) {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return exponent === 31 ? (fraction ? NaN : sign * Infinity) : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * @param {ArrayBuffer} file
 * @returns {Object<string, Float32Array>} arrays of kind F16 and F32 by name, flat.
 */
export function tensors(file) {
  const length = Number(new DataView(file).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length)));
  delete header.__metadata__;
  return Object.fromEntries(
    Object.entries(header).map(([name, { dtype, data_offsets: [begin, end] }]) => {
      const bytes = file.slice(8 + length + begin, 8 + length + end);
      return [name, dtype === "F16" ? Float32Array.from(new Uint16Array(bytes), half) : new Float32Array(bytes)];
    }),
  );
}
