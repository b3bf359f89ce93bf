"""Child processes: started, watched, restarted and ended, whatever engine they run."""
