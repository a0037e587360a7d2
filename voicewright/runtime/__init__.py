"""What every process of ours needs: logs, traces, a clean exit."""
