"""What runs come to together: the dashboard, two runs compared, how far people and the machine agree."""
