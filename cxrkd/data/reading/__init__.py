"""What readers read with: tables, cells, names of files, arrays."""
