"""One file a report: parameters, columns, rows. A report sees a View, never a store."""
