"""The parts of the store's contract, one module for each thing that a store promises."""
