"""Recorded exchanges, replayed against a live server: same status, error code, body and content type?"""
