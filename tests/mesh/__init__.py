"""One table of cases over all data planes: what a user may rely on whichever proxy stands beside a service."""
