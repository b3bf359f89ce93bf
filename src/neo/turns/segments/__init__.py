"""What happens within one segment: the model is asked, or the calls that it asked for are answered; then it is settled.

Import the modules one by one: this file stays empty, so that the workflow pulls in nothing else.
"""
