package gate

// Keys returns how many gates k has.
func Keys(k *Keyed) int { return len(k.gates) }
