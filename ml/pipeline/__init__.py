"""The pipeline: from photos to complete heads.

::

                                ┌── REFINEMENTS times ──┐
    photo ─▶ find ─▶ fit ───────┴▶ refine ─▶ fit again ─┴▶ detail ─▶ texture ─▶ Reconstruction
    (read)   faces   coefficients  landmarks               (relief)  (albedo)
                     and camera    on the surface

:mod:`.single` is one photo from its file to its heads, :mod:`.same_person` several photos of one
person. :mod:`.find` finds the faces, :mod:`.fit` fits the head and draws the loop above.
"""
