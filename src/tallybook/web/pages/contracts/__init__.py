"""The pages of contracts: the list, one contract, its editor, its statements."""
