"""The live link to Asterisk: the AMI link, the FastAGI server and Call, through which all code speaks to a channel."""
