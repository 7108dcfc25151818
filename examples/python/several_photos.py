"""Several photos of one person: python several_photos.py OUT PHOTO PHOTO..."""

import sys
from pathlib import Path

import effigy_ml as effigy

if __name__ == "__main__":
    out, photos = Path(sys.argv[1]), sys.argv[2:]
    person = effigy.reconstruct_person(photos, effigy.Settings(texture_size=0))
    for photo, head in zip(person.photos, person.heads, strict=True):
        effigy.save_reconstruction(head, out / photo.stem)
    for left_out in person.left_out:
        print(f"{left_out.photo}: {left_out.error}")
    print(f"The main photo is {person.photos[person.main].name}")
