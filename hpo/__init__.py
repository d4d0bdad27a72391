"""How a study runs: data, training, measuring, decisions and the engines."""
