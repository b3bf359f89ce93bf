"""What a tenant does with its connections and their tools, over HTTP."""
