"""What lies outside the workers: the telephone, vendors, the records, the schedule that compares trackers."""
