"""How the receptionist hears and speaks: engines of her own."""
