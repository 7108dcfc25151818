"""Live performances: datagrams of another program move the selected head."""
