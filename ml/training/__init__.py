"""How everything that Effigy ships was learned. Not part of the extension's zip."""
