"""From a model folder to a store and a registry that others read, and what may be changed there afterwards."""
