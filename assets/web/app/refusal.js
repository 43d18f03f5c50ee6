/** A sentence for whoever chose a file: what is wrong with it and what to do. */
export class Refusal extends Error {}
