"""Local features: points of pictures, a proof by them, and words that propose what to prove.

OpenCV is imported only here.
"""
