"""Folders of files filtered in many processes, so that a run can be stopped and go on."""
