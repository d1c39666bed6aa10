"""What every request to the pages meets, and every answer after it."""
