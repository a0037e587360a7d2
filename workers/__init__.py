"""The composition root: settings become engines, engines become activities, activities become workers."""
