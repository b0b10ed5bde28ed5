"""One file a destination for mails, files and webhooks. They send; they decide nothing."""
