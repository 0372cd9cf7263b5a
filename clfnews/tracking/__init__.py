"""Everything of MLflow: the store, its runs, the registry of models and the UI."""
