"""One vendor, one room: its requests, its answers, its words turned into the engine's."""
