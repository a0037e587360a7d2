"""Everything that travels in and out of workflows and activities: one model in, one model out."""
