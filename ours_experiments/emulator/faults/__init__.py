"""Faults on request: of the network, the gateway, the body and the payload."""
