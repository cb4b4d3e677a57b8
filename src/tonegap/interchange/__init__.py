"""What leaves the project: metadata of the cohort, cards of models, bundles for reviewers."""
