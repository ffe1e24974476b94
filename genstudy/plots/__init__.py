"""Pictures of a design and of what came of it, drawn as PNG or SVG.

What other packages use:

    summary     summarize(table, columns), summarize_rows(rows, columns) -> DesignSummary
    campaign    summarize_campaign(folder, manifest, columns) -> DesignSummary
    coverage    coverage_of(summary, columns) -> Coverage; coverage_lines(coverage, rows) -> lines of text
    histogram   histogram_svg(column, prefix=)
    pairs       pairs_svg(summary, columns, prefix=)
    result      result_svg(x, y, x_name=, y_name=, rho=, prefix=)
    timeline    timeline_svg(spans, prefix=)
    history     lines_svg(times, series, prefix=, unit=), states_svg(counts, prefix=)
    plot        plot_design(table, output, ...)

Each `_svg` function returns one `<svg>` element as text, to stand in HTML or in a file. It has a title for
screen readers, and one id, which begins with the prefix. Names and values in it are data, never markup.
"""
