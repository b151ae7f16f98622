"""Every way to change something, each with one change that is really made and the one event that it leaves."""
