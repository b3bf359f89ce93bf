"""Small tools that know nothing of Neo's business."""
