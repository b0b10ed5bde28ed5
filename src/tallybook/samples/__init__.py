"""The generator of realistic sample data: documents and events, to be sent through the API.

It yields data and calls nothing. `vendor.Vendor` is the door.
"""
