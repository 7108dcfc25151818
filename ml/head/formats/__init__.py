"""Readers for head models: ICT-FaceKit, GNM Head, FLAME and Basel Face Models."""
