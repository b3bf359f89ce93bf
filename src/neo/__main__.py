from neo.cli import main

main()
