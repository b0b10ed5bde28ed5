"""Where a contract stands: periods, hierarchy, position, forecast, statement. Pure."""
