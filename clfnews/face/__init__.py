"""What `import clfnews` offers, by what it is for; nothing heavy is imported before it is needed."""
