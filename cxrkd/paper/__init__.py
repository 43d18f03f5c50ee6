"""The paper's recipes, and our figures beside the paper's."""
