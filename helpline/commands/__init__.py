"""The helpline command, one module per noun."""
