"""Three network namespaces, client - gateway - server, with real programs around a real gateway."""
