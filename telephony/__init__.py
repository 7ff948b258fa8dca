"""The live link to Asterisk: AMI, the FastAGI server, and Call, by which all code speaks to a channel."""
