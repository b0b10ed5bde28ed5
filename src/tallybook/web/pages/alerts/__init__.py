"""The pages of alerts: catalogue, a check with its form, subscriptions, findings, outbox."""
