"""What tests share: clock, wire, strategies, Redis, blocks of documents."""
