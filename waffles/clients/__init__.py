"""The only code that talks to OpenStack from outside the request."""
