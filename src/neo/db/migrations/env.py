from alembic import context

# The caller's transaction: the tables, the version and the functions change together or not at all.
context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
