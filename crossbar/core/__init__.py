"""What an API request means, whoever speaks it: actions, shapes, access and the recipes."""
