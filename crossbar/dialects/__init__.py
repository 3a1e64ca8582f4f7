"""How clients speak: adapters from HTTP to the core. One folder per dialect."""
