"""Real workers, a real Valkey and a faulty upstream, disturbed at random; the database must not show it."""
