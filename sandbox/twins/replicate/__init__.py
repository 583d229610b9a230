"""The twin of Replicate: the predictions API, with real local restoration.

models             the models, and their input names
inputs             validation of inputs
predictions        a prediction's states and webhooks
prediction_runner  threads that run predictions, and their timers
image_transfer     from an input's URL to an output's bytes
files              uploaded inputs
api                the API /v1, and /pbxt for outputs
pages              paged lists
authentication     the API token and the rate limit
errors             error answers
"""
