"""One photo: python one_photo.py PHOTO OUT."""

import sys
from pathlib import Path

import effigy_ml as effigy

if __name__ == "__main__":
    photo, out = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        head = effigy.reconstruct(photo, effigy.Settings(texture_size=512))[0]
    except effigy.HeadError as error:
        sys.exit(str(error))
    effigy.save_reconstruction(head, out)
    print(f"{len(head.mesh.vertices)} vertices, quality {head.quality:.2f}")
